;; tries: to be installed without anything that could be called
;; stands-for: MNT-6
;; expect: refused does not export

(component (core module (func (export "x"))))
