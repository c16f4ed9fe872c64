import CreditProfile
import ServiceKit

await ServiceMain.run(CreditProfileService.self)
