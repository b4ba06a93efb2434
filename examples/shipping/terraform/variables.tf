variable "lambda_zip" {
  description = "The code of both functions."
  type        = string
}
