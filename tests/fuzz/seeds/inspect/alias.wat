(component
  (component $c (core module $m (export "m")) (export "x" (core module $m)))
  (instance $i (instantiate $c))
  (alias export $i "x" (core module $x))
  (core instance (instantiate $x)))