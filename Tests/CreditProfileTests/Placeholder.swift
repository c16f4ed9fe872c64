// CreditProfile
