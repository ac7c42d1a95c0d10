;; tries: to find in fresh memory what a call before it, of whomever, left there
;; stands-for: DAT-11
;; limit: memory-mib=32
;; limit: cpu-ms=10000
;; limit: wall-ms=60000
;; calls: own, own, stranger
;; expect: ok

;; Every byte but its own data and what the host wrote of the event must be 0; then it fills all with something.
(module
  (memory (export "memory") 16)
  (global $next (mut i32) (i32.const 65536))
  (data (i32.const 0) "\00\00\00\00\00\00\00\00")
  (data (i32.const 64) "\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\80\00\00\00\1e\00\00\00")
  (data (i32.const 128) "ESCAPED: memory of another one")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const 15)) (i32.const -16))))
    (local.get $at))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (local $at i32) (local $end i32)
    (drop (memory.grow (i32.const 400)))
    (local.set $end (i32.mul (memory.size) (i32.const 65536)))
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 65535)) (i32.const -65536)))
    (loop $again
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (return (i32.const 64))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (memory.fill
      (global.get $next) (i32.const 90) (i32.sub (local.get $end) (global.get $next)))
    (i32.const 0)))
