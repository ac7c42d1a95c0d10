;; tries: to trap in the clean-up after its answer was taken
;; stands-for: INC-6
;; calls: own, own
;; expect: trapped unreachable

(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "cabi_post_portcullis:plugin/events@0.1.0#handle") (param i32) unreachable))
