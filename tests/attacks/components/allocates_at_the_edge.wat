;; tries: to have the host write the event so that it begins within its memory and ends behind it
;; stands-for: INC-6, DAT-11
;; expect: trapped realloc return: beyond end of memory

(module
  (memory (export "memory") 1 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65535))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))
