;; tries: to return a case of the error that there is not
;; stands-for: MNT-5, INC-6
;; expect: trapped unexpected discriminant

(module
  (memory (export "memory") 1)
  (data (i32.const 64) "\01\00\00\00\00\00\00\00\63\00\00\00\00\00\00\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 64)))
