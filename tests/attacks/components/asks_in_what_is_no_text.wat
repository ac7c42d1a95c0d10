;; tries: to hand the host bytes as a bucket's name that are no text: surrogates, overlong forms, halves of letters
;; stands-for: MNT-5, INC-6
;; asks: kv:read
;; expect: trapped invalid utf-8

(module
  (import "portcullis:plugin/kv@0.1.0" "open" (func $open (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\ed\a0\80\c1\81")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $open (i32.const 16) (i32.const 5) (i32.const 64))
    (i32.const 0)))
