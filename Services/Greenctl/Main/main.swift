import Greenctl
import Simulation

Program.main(simulator: { try CitySimulation(deploy: $0) })
