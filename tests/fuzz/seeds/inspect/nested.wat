(component
  (component
    (import "portcullis:plugin/http@0.1.0" (instance))
    (component (core module (table 2 funcref) (func $s) (start $s) (memory 3))))
  (core module))