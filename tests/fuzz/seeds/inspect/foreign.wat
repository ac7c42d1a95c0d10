(component
  (import "wasi:cli/environment@0.2.0" (instance))
  (import "portcullis:pluginx/tickets@0.1.0" (instance))
  (import "log" (func)))