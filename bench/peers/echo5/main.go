// The lab's service with Echo v5: its own middleware, zap to a file, client_golang, and golang-jwt in its key-auth middleware.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
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

func metrics() echo.MiddlewareFunc {
	duration := promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds"},
		[]string{"method", "route", "status"})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			start := time.Now()
			err := next(c)
			_, status := echo.ResolveResponseStatus(c.Response(), err)
			duration.WithLabelValues(c.Request().Method, c.Path(), strconv.Itoa(status)).Observe(time.Since(start).Seconds())
			return err
		}
	}
}

// verifier says whether the key of a request is a token that this service takes.
func verifier(secret []byte) middleware.KeyAuthValidator {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	key := func(*jwt.Token) (any, error) { return secret, nil }
	return func(c *echo.Context, token string, _ middleware.ExtractorSource) (bool, error) {
		claims := &jwt.RegisteredClaims{}
		if _, err := parser.ParseWithClaims(token, claims, key); err != nil {
			return false, err
		}
		c.Set("user", claims.Subject)
		return true, nil
	}
}

func production(e *echo.Echo, logger *zap.Logger) {
	e.GET("/metrics", echo.WrapHandler(promhttp.Handler()))
	public := func(c *echo.Context) bool { return c.Path() == "/metrics" || c.Path() == "/runtime" }
	e.Use(
		middleware.RequestID(),
		middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogMethod: true, LogURIPath: true, LogRoutePath: true, LogStatus: true, LogLatency: true, LogRequestID: true,
			LogRemoteIP: true, LogUserAgent: true, HandleError: true,
			LogValuesFunc: func(_ *echo.Context, v middleware.RequestLoggerValues) error {
				logger.Info("request", zap.String("method", v.Method), zap.String("path", v.URIPath),
					zap.String("route", v.RoutePath), zap.Int("status", v.Status), zap.Duration("latency", v.Latency),
					zap.String("request_id", v.RequestID), zap.String("ip", v.RemoteIP),
					zap.String("user_agent", v.UserAgent), zap.Error(v.Error))
				return nil
			},
		}),
		metrics(),
		middleware.Recover(),
		middleware.ContextTimeout(5*time.Second),
		middleware.KeyAuthWithConfig(middleware.KeyAuthConfig{Validator: verifier([]byte(os.Getenv("LAB_JWT_SECRET"))), Skipper: public}),
		middleware.RateLimiter(middleware.NewRateLimiterMemoryStoreWithConfig(
			middleware.RateLimiterMemoryStoreConfig{Rate: 10_000_000, Burst: 10_000_000})),
	)
	e.GET("/panic", func(*echo.Context) error { panic("asked for") })
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
	e.GET("/json", func(c *echo.Context) error { return c.JSON(http.StatusOK, message{"Hello, World!"}) })
	e.GET("/users/:id", func(c *echo.Context) error {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, "id is a number")
		}
		return c.JSON(http.StatusOK, user{id, "Ada Lovelace", "ada@example.com"})
	})
	e.POST("/users", func(c *echo.Context) error {
		var body newUser
		if err := c.Bind(&body); err != nil {
			return err
		}
		if err := c.Validate(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, created{1, body.Name, body.Email, body.Age})
	})
	// Files are named within a file system.
	e.Filesystem = os.DirFS(filepath.Dir(file))
	name := filepath.Base(file)
	e.GET("/file", func(c *echo.Context) error { return c.File(name) })
	blob := strings.Repeat("w", 4096)
	e.GET("/4k", func(c *echo.Context) error { return c.String(http.StatusOK, blob) })
	e.GET("/ws", func(c *echo.Context) error {
		echoes(c.Response(), c.Request())
		return nil
	})
	for i := 0; i < many; i++ {
		e.GET(fmt.Sprintf("/api/svc%d/res%d/:id/act%d", i/10000, i/100%100, i%100),
			func(c *echo.Context) error { return c.String(http.StatusOK, c.Param("id")) })
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
	e.Validator = &structValidator{validator.New()}
	e.GET("/runtime", echo.WrapHandler(http.HandlerFunc(goruntime.Handler)))
	if *chain == "production" {
		logger, sink := fileLogger(*logFile)
		defer sink.Stop()
		production(e, logger)
	}
	routes(e, *file, *many)

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	server := echo.StartConfig{
		Address: fmt.Sprintf("127.0.0.1:%d", *port), HideBanner: true, HidePort: true, GracefulTimeout: time.Second,
		BeforeServeFunc: func(s *http.Server) error {
			s.ReadTimeout, s.ReadHeaderTimeout, s.IdleTimeout = 0, 10*time.Second, 2*time.Minute // those of the other Go peers
			// HTTP/1.1, and HTTP/2 for connections that begin with its preface.
			s.Protocols = new(http.Protocols)
			s.Protocols.SetHTTP1(true)
			s.Protocols.SetUnencryptedHTTP2(true)
			return nil
		},
	}
	if err := server.Start(stop, e); err != nil {
		log.Fatal(err)
	}
}
