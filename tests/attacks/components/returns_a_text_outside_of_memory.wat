;; tries: to have the host read an error's text from before, behind and round the end of its memory
;; stands-for: DAT-11, INC-6
;; expect: trapped out of bounds of memory

(module
  (memory (export "memory") 1 1)
  (data (i32.const 64) "\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\f0\ff\00\00\00\00\ff\ff")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 64)))
