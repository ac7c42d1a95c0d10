;; tries: to be installed without anything that could be called
;; stands-for: MNT-6
;; expect: refused the component exports neither

(component (core module (func (export "x"))))
