waf = false
