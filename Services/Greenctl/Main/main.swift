import Greenctl

Program.main()
