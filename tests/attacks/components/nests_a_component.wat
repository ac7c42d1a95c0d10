;; tries: to hide an import in a component within a component
;; stands-for: MNT-6, INT-2
;; expect: refused portcullis:plugin/http

(component
  (import "portcullis:plugin/http@0.1.0" (instance $http))
  (component $outer
    (import "x" (instance $x))
    (component $inner
      (import "portcullis:plugin/http@0.1.0" (instance))
      (core module))
    (instance (instantiate $inner (with "portcullis:plugin/http@0.1.0" (instance $x)))))
  (instance (instantiate $outer (with "x" (instance $http))))
  (instance $events)
  (export "portcullis:plugin/events@0.1.0" (instance $events)))
