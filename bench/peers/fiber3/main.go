// The lab's service with Fiber v3: its own middleware, zap to a file, client_golang, golang-jwt in its key-auth middleware,
// fasthttp/websocket.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/go-playground/validator/v10"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/keyauth"
	"github.com/gofiber/fiber/v3/middleware/limiter"
	"github.com/gofiber/fiber/v3/middleware/logger"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/requestid"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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

// structValidator is what Fiber's guide shows for validation: binding calls it.
type structValidator struct{ validate *validator.Validate }

func (v *structValidator) Validate(out any) error { return v.validate.Struct(out) }

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

// accessLog gives zap what Fiber's logger has measured; that measures the latency where its format asks for it.
func accessLog(lines *zap.Logger) fiber.Handler {
	return logger.New(logger.Config{Format: "${latency}", LoggerFunc: func(c fiber.Ctx, data *logger.Data, _ *logger.Config) error {
		lines.Info("request", zap.String("request_id", requestid.FromContext(c)), zap.String("method", c.Method()),
			zap.String("path", c.Path()), zap.String("route", c.FullPath()), zap.Int("status", c.Response().StatusCode()),
			zap.Duration("latency", data.Stop.Sub(data.Start)), zap.String("ip", c.IP()),
			zap.String("user_agent", c.Get(fiber.HeaderUserAgent)), zap.Error(data.ChainErr))
		return nil
	}})
}

func metrics() fiber.Handler {
	duration := promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds"},
		[]string{"method", "route", "status"})
	return func(c fiber.Ctx) error {
		start := time.Now()
		err := c.Next()
		status := c.Response().StatusCode()
		if err != nil { // its answer is written later, by the error handler
			status = fiber.StatusInternalServerError
			var known *fiber.Error
			if errors.As(err, &known) {
				status = known.Code
			}
		}
		duration.WithLabelValues(c.Method(), c.FullPath(), strconv.Itoa(status)).Observe(time.Since(start).Seconds())
		return err
	}
}

// timeout is a deadline in the request's context. Fiber's own middleware would start a goroutine for each request, too.
func timeout(limit time.Duration) fiber.Handler {
	return func(c fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(c.Context(), limit)
		defer cancel()
		c.SetContext(ctx)
		err := c.Next()
		if errors.Is(err, context.DeadlineExceeded) {
			return fiber.ErrRequestTimeout
		}
		return err
	}
}

func authenticate(secret []byte) fiber.Handler {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	key := func(*jwt.Token) (any, error) { return secret, nil }
	return keyauth.New(keyauth.Config{Validator: func(c fiber.Ctx, token string) (bool, error) {
		claims := &jwt.RegisteredClaims{}
		if _, err := parser.ParseWithClaims(token, claims, key); err != nil {
			return false, err
		}
		c.Locals("user", claims.Subject)
		return true, nil
	}})
}

func production(app *fiber.App, lines *zap.Logger) {
	app.Get("/metrics", adaptor.HTTPHandler(promhttp.Handler()))
	app.Use(
		requestid.New(),
		accessLog(lines),
		metrics(),
		recover.New(),
		timeout(5*time.Second),
		authenticate([]byte(os.Getenv("LAB_JWT_SECRET"))),
		limiter.New(limiter.Config{Max: 1_000_000_000, Expiration: time.Minute}),
	)
	app.Get("/panic", func(fiber.Ctx) error { panic("asked for") })
}

// echo sends each message back.
func echo(connection *websocket.Conn) {
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func routes(app *fiber.App, file string, many int) {
	app.Get("/json", func(c fiber.Ctx) error { return c.JSON(message{"Hello, World!"}) })
	app.Get("/users/:id", func(c fiber.Ctx) error {
		id, err := strconv.ParseInt(c.Params("id"), 10, 64)
		if err != nil {
			return fiber.NewError(fiber.StatusBadRequest, "id is a number")
		}
		return c.JSON(user{id, "Ada Lovelace", "ada@example.com"})
	})
	app.Post("/users", func(c fiber.Ctx) error {
		var body newUser
		if err := c.Bind().Body(&body); err != nil {
			return fiber.NewError(fiber.StatusBadRequest, err.Error())
		}
		return c.Status(fiber.StatusCreated).JSON(created{1, body.Name, body.Email, body.Age})
	})
	app.Get("/file", func(c fiber.Ctx) error { return c.SendFile(file) })
	blob := strings.Repeat("w", 4096)
	app.Get("/4k", func(c fiber.Ctx) error { return c.SendString(blob) })
	upgrader := websocket.FastHTTPUpgrader{ReadBufferSize: 4096, WriteBufferSize: 4096}
	app.Get("/ws", func(c fiber.Ctx) error {
		if upgrader.Upgrade(c.RequestCtx(), echo) != nil {
			return fiber.ErrUpgradeRequired
		}
		return nil
	})
	for i := 0; i < many; i++ {
		app.Get(fmt.Sprintf("/api/svc%d/res%d/:id/act%d", i/10000, i/100%100, i%100),
			func(c fiber.Ctx) error { return c.SendString(c.Params("id")) })
	}
}

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	chain := flag.String("chain", "none", "none or production")
	logFile := flag.String("log", os.DevNull, "file of the access log")
	file := flag.String("file", "", "file that /file sends")
	many := flag.Int("routes", 0, "further routes")
	flag.Parse()

	app := fiber.New(fiber.Config{IdleTimeout: 2 * time.Minute, StructValidator: &structValidator{validator.New()}})
	app.Get("/runtime", func(c fiber.Ctx) error { return c.Type("json").Send(goruntime.JSON()) })
	if *chain == "production" {
		lines, sink := fileLogger(*logFile)
		defer sink.Stop()
		production(app, lines)
	}
	routes(app, *file, *many)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		if err := app.Listen(fmt.Sprintf("127.0.0.1:%d", *port), fiber.ListenConfig{DisableStartupMessage: true}); err != nil {
			log.Fatal(err)
		}
	}()
	<-stop
	app.ShutdownWithTimeout(time.Second)
}
