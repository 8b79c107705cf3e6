// The lab's service with Fiber: its own middleware, fiberzap to a file, fiberprometheus and its contrib JWT.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ansrivas/fiberprometheus/v2"
	"github.com/go-playground/validator/v10"
	"github.com/gofiber/contrib/fiberzap/v2"
	jwtware "github.com/gofiber/contrib/jwt"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/limiter"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/gofiber/fiber/v2/middleware/requestid"
	"github.com/gofiber/fiber/v2/middleware/timeout"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"weir.test/peers/goruntime"
)

type message struct {
	Message string `json:"message"`
}

type user struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type newUser struct {
	Name  string `json:"name" validate:"required,min=1,max=80"`
	Email string `json:"email" validate:"required,email"`
	Age   int    `json:"age" validate:"min=0,max=150"`
}

type created struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Age   int    `json:"age"`
}

// fileLogger writes JSON lines through zap's buffer, which its documentation recommends for busy services.
func fileLogger(path string) (*zap.Logger, *zapcore.BufferedWriteSyncer) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	sink := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(file), FlushInterval: time.Second}
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, sink, zap.InfoLevel)), sink
}

func production(app *fiber.App, logger *zap.Logger) {
	metrics := fiberprometheus.New("lab")
	metrics.RegisterAt(app, "/metrics")
	app.Use(
		requestid.New(),
		fiberzap.New(fiberzap.Config{Logger: logger,
			Fields: []string{"requestId", "method", "path", "route", "status", "latency", "ip", "ua"}}),
		metrics.Middleware,
		recover.New(),
		jwtware.New(jwtware.Config{SigningKey: jwtware.SigningKey{JWTAlg: "HS256", Key: []byte(os.Getenv("LAB_JWT_SECRET"))},
			Claims: &jwt.RegisteredClaims{}}),
		limiter.New(limiter.Config{Max: 1_000_000_000, Expiration: time.Minute}),
	)
	app.Get("/panic", func(*fiber.Ctx) error { panic("asked for") })
}

// echo sends each message back.
func echo(connection *websocket.Conn) {
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func routes(app *fiber.App, file string, many int, within func(fiber.Handler) fiber.Handler) {
	validate := validator.New()
	app.Get("/json", within(func(c *fiber.Ctx) error { return c.JSON(message{"Hello, World!"}) }))
	app.Get("/users/:id", within(func(c *fiber.Ctx) error {
		id, err := c.ParamsInt("id")
		if err != nil {
			return fiber.NewError(fiber.StatusBadRequest, "id is a number")
		}
		return c.JSON(user{int64(id), "Ada Lovelace", "ada@example.com"})
	}))
	app.Post("/users", within(func(c *fiber.Ctx) error {
		var body newUser
		if err := c.BodyParser(&body); err != nil {
			return fiber.NewError(fiber.StatusBadRequest, err.Error())
		}
		if err := validate.Struct(&body); err != nil {
			return fiber.NewError(fiber.StatusBadRequest, err.Error())
		}
		return c.Status(fiber.StatusCreated).JSON(created{1, body.Name, body.Email, body.Age})
	}))
	app.Get("/file", within(func(c *fiber.Ctx) error { return c.SendFile(file) }))
	blob := strings.Repeat("w", 4096)
	app.Get("/4k", within(func(c *fiber.Ctx) error { return c.SendString(blob) }))
	app.Get("/ws", websocket.New(echo))
	for i := 0; i < many; i++ {
		app.Get(fmt.Sprintf("/api/svc%d/res%d/:id/act%d", i/10000, i/100%100, i%100),
			func(c *fiber.Ctx) error { return c.SendString(c.Params("id")) })
	}
}

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	chain := flag.String("chain", "none", "none or production")
	logFile := flag.String("log", os.DevNull, "file of the access log")
	file := flag.String("file", "", "file that /file sends")
	many := flag.Int("routes", 0, "further routes")
	flag.Parse()

	app := fiber.New(fiber.Config{DisableStartupMessage: true, IdleTimeout: 2 * time.Minute})
	app.Get("/runtime", func(c *fiber.Ctx) error { return c.Type("json").Send(goruntime.JSON()) })
	within := func(handler fiber.Handler) fiber.Handler { return handler }
	if *chain == "production" {
		logger, sink := fileLogger(*logFile)
		defer sink.Stop()
		production(app, logger)
		within = func(handler fiber.Handler) fiber.Handler { return timeout.NewWithContext(handler, 5*time.Second) }
	}
	routes(app, *file, *many, within)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		if err := app.Listen(fmt.Sprintf("127.0.0.1:%d", *port)); err != nil {
			log.Fatal(err)
		}
	}()
	<-stop
	app.ShutdownWithTimeout(time.Second)
}
