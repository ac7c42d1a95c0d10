;; tries: to begin with more memory than it may have
;; stands-for: INC-6
;; limit: memory-mib=16
;; expect: limit memory-mib

(module
  (memory (export "memory") 512)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))
