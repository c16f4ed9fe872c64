import Rewards
import ServiceKit

await ServiceMain.run(RewardsService.self)
