;; tries: to take the host's memory by a table that grows without end
;; stands-for: INC-6
;; limit: table-elements=2000
;; expect: limit table-elements

(module
  (memory (export "memory") 1)
  (table $all 1 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (loop $again
      (drop (table.grow $all (ref.null func) (i32.const 100)))
      (br $again))
    (i32.const 0)))
