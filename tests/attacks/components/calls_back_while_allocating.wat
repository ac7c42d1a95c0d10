;; tries: to call into the host while the host is writing to its memory
;; stands-for: INC-6, INT-2
;; asks: kv:read
;; expect: trapped cannot leave component instance

(module
  (import "portcullis:plugin/kv@0.1.0" "open" (func $open (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "bucket")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $open (i32.const 16) (i32.const 6) (i32.const 64))
    (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))
