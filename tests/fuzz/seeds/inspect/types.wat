(component
  (type $r (record (field "a" string) (field "b" (list u8))))
  (type $v (variant (case "x" string) (case "y")))
  (import "portcullis:plugin/http@0.1.0" (instance
    (type $e (enum "denied" "invalid"))
    (export "error" (type (eq $e)))
    (export "res" (type (sub resource)))
    (export "send" (func (param "url" string) (result (result (error u32))))))))