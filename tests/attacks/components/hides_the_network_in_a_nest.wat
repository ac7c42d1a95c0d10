;; tries: to leave the import of a nested component open, for the host to fill
;; stands-for: MNT-6, INT-2
;; expect: refused missing import

(component
  (component $inner
    (import "portcullis:plugin/http@0.1.0" (instance))
    (import "wasi:sockets/network@0.2.0" (instance)))
  (instance (instantiate $inner))
  (instance $events)
  (export "portcullis:plugin/events@0.1.0" (instance $events)))
