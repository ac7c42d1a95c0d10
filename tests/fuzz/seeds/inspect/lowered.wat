(component
  (import "portcullis:plugin/log@0.1.0" (instance $log (export "write" (func (param "x" u32)))))
  (core func $w (canon lower (func $log "write")))
  (core module $m (import "a" "b" (func (param i32))) (func (export "run")))
  (core instance $i (instantiate $m (with "a" (instance (export "b" (func $w))))))
  (func $run (canon lift (core func $i "run")))
  (instance $e (export "handle" (func $run)))
  (export "portcullis:plugin/events@0.1.0" (instance $e)))