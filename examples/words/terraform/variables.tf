variable "architecture" {
  description = "The processor that the function was compiled for."
  type        = string
  default     = "x86_64"
}
