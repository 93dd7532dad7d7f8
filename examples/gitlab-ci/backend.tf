# Terraform's state is kept in GitLab; the pipeline says where, by TF_HTTP_... variables.
# Without a backend every pipeline starts from nothing, and plans to adopt what is there.
terraform {
  backend "http" {}
}
