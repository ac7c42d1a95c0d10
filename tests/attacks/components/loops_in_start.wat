;; tries: to loop when it is instantiated, before any handler is called
;; stands-for: INC-6, MNT-6
;; limit: cpu-ms=100
;; expect: limit cpu-ms

(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0))
  (func $start (loop $again (br $again)))
  (start $start))
