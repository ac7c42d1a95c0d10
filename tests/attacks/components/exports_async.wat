;; tries: to be entered again while it waits, as an async component
;; stands-for: MNT-6, INC-6
;; expect: refused async

(component
  (core module $m
    (func (export "f") (param i32 i32) (result i32) (i32.const 0))
    (func (export "cb") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (type $stream (stream u8))
  (func $f (result u32) (canon lift (core func $i "f") async (callback (core func $i "cb"))))
  (instance $events (export "handle" (func $f)))
  (export "portcullis:plugin/events@0.1.0" (instance $events)))
