;; tries: to bring memory that threads share
;; stands-for: MNT-6, DAT-11
;; expect: refused threads

(component
  (core module $m (memory (export "memory") 1 1 shared))
  (core instance (instantiate $m))
  (instance $events)
  (export "portcullis:plugin/events@0.1.0" (instance $events)))
