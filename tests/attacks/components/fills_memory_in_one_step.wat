;; tries: to stay past its time in instructions that are one step each and fill all of its memory
;; stands-for: INC-6
;; limit: memory-mib=64
;; limit: cpu-ms=100
;; expect: limit cpu-ms

(module
  (memory (export "memory") 1000)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 65000000))
      (memory.copy (i32.const 32000000) (i32.const 0) (i32.const 32000000))
      (br $again))
    (i32.const 0)))
