(component
  (import "portcullis:plugin/types@0.1.0" (instance))
  (import "portcullis:plugin/tickets@0.1.0" (instance (export "get" (func (result string)))))
  (core module (memory 1 4) (data (i32.const 0) "see https://api.example.test/v1 \00 http://x.test"))
  (instance $handler)
  (export "portcullis:plugin/events@0.1.0" (instance $handler)))