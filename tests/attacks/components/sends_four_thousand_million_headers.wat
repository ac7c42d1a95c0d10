;; tries: to have the length of a list of headers wrap round to a small one
;; stands-for: RUSTSEC-2026-0021, RUSTSEC-2026-0020, INC-6
;; asks: http:send to=https://api.example.test/v1/* methods=GET
;; expect: trapped out of bounds of memory

(module
  (import "portcullis:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "GET")
  (data (i32.const 32) "https://api.example.test/v1/x")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $send
      (i32.const 16) (i32.const 3) (i32.const 32) (i32.const 29)
      (i32.const 64) (i32.const 0x10000001) (i32.const 0) (i32.const 0) (i32.const 128))
    (i32.const 0)))
