;; tries: to hand the host bytes as an error's text that are no text
;; stands-for: MNT-5, INC-6
;; expect: trapped invalid utf-8

(module
  (memory (export "memory") 1)
  (data (i32.const 64) "\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\80\00\00\00\08\00\00\00")
  (data (i32.const 128) "\c0\80\ed\a0\80\ff\fe\f5")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 64)))
