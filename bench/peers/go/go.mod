module ping-pong

go 1.19
