;; tries: to export a handler of another type than the host calls
;; stands-for: MNT-6, INC-6
;; expect: trapped expected `record`

(component
  (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
  (instance $events (export "handle" (func $f)))
  (export "portcullis:plugin/events@0.1.0" (instance $events)))
