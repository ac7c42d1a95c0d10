;; tries: to loop while the host waits for memory to write to
;; stands-for: INC-6
;; limit: cpu-ms=100
;; expect: limit cpu-ms

(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop $again (br $again)) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))
