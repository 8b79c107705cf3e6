// The lab's service with Echo: its own middleware, zap to a file, echoprometheus and echo-jwt.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"github.com/labstack/echo-contrib/echoprometheus"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
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

// structValidator is what Echo's guide shows for validation.
type structValidator struct{ validate *validator.Validate }

func (v *structValidator) Validate(i any) error {
	if err := v.validate.Struct(i); err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, err.Error())
	}
	return nil
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

func production(e *echo.Echo, logger *zap.Logger) {
	e.GET("/metrics", echoprometheus.NewHandler())
	public := func(c echo.Context) bool { return c.Path() == "/metrics" || c.Path() == "/runtime" }
	e.Use(
		middleware.RequestID(),
		middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogMethod: true, LogURIPath: true, LogRoutePath: true, LogStatus: true, LogLatency: true, LogRequestID: true,
			LogRemoteIP: true, LogUserAgent: true, LogError: true, HandleError: true,
			LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
				logger.Info("request", zap.String("method", v.Method), zap.String("path", v.URIPath),
					zap.String("route", v.RoutePath), zap.Int("status", v.Status), zap.Duration("latency", v.Latency),
					zap.String("request_id", v.RequestID), zap.String("ip", v.RemoteIP),
					zap.String("user_agent", v.UserAgent), zap.Error(v.Error))
				return nil
			},
		}),
		echoprometheus.NewMiddleware("lab"),
		middleware.Recover(),
		middleware.ContextTimeout(5*time.Second),
		echojwt.WithConfig(echojwt.Config{SigningKey: []byte(os.Getenv("LAB_JWT_SECRET")), Skipper: public,
			NewClaimsFunc: func(echo.Context) jwt.Claims { return new(jwt.RegisteredClaims) }}),
		middleware.RateLimiter(middleware.NewRateLimiterMemoryStoreWithConfig(
			middleware.RateLimiterMemoryStoreConfig{Rate: 10_000_000, Burst: 10_000_000})),
	)
	e.GET("/panic", func(echo.Context) error { panic("asked for") })
}

// echoes sends each message back (gorilla/websocket).
func echoes(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{ReadBufferSize: 4096, WriteBufferSize: 4096}
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func routes(e *echo.Echo, file string, many int) {
	e.GET("/json", func(c echo.Context) error { return c.JSON(http.StatusOK, message{"Hello, World!"}) })
	e.GET("/users/:id", func(c echo.Context) error {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, "id is a number")
		}
		return c.JSON(http.StatusOK, user{id, "Ada Lovelace", "ada@example.com"})
	})
	e.POST("/users", func(c echo.Context) error {
		var body newUser
		if err := c.Bind(&body); err != nil {
			return err
		}
		if err := c.Validate(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, created{1, body.Name, body.Email, body.Age})
	})
	e.GET("/file", func(c echo.Context) error { return c.File(file) })
	blob := strings.Repeat("w", 4096)
	e.GET("/4k", func(c echo.Context) error { return c.String(http.StatusOK, blob) })
	e.GET("/ws", func(c echo.Context) error {
		echoes(c.Response(), c.Request())
		return nil
	})
	for i := 0; i < many; i++ {
		e.GET(fmt.Sprintf("/api/svc%d/res%d/:id/act%d", i/10000, i/100%100, i%100),
			func(c echo.Context) error { return c.String(http.StatusOK, c.Param("id")) })
	}
}

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	chain := flag.String("chain", "none", "none or production")
	logFile := flag.String("log", os.DevNull, "file of the access log")
	file := flag.String("file", "", "file that /file sends")
	many := flag.Int("routes", 0, "further routes")
	flag.Parse()

	e := echo.New()
	e.HideBanner = true
	e.HidePort = true
	e.Validator = &structValidator{validator.New()}
	e.Server.ReadHeaderTimeout = 10 * time.Second
	e.Server.IdleTimeout = 2 * time.Minute
	// HTTP/1.1, and HTTP/2 for connections that begin with its preface.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	e.Server.Protocols = protocols
	e.GET("/runtime", echo.WrapHandler(http.HandlerFunc(goruntime.Handler)))
	if *chain == "production" {
		logger, sink := fileLogger(*logFile)
		defer sink.Stop()
		production(e, logger)
	}
	routes(e, *file, *many)

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		if err := e.Start(fmt.Sprintf("127.0.0.1:%d", *port)); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	<-stop.Done()
	e.Close()
}
