;; tries: to begin with a table of two thousand million elements
;; stands-for: INC-6
;; expect: refused element

(module
  (memory (export "memory") 1)
  (table 2000000000 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))
