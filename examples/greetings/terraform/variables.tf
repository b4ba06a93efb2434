variable "greetings_zip" {
  description = "The function's code."
  type        = string
}
