;; tries: to have the host write all texts over one another
;; stands-for: INC-6
;; expect: ok

;; It harms itself alone: it says so where the host minds.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (if (i32.ne (local.get 0) (i32.const 1024)) (then unreachable))
    (i32.const 0)))
