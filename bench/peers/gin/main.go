// The lab's service with Gin: release mode, zap to a file, the middleware that Gin's users reach for.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-contrib/requestid"
	ginzap "github.com/gin-contrib/zap"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/ulule/limiter/v3"
	limitergin "github.com/ulule/limiter/v3/drivers/middleware/gin"
	"github.com/ulule/limiter/v3/drivers/store/memory"
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
	Name  string `json:"name" binding:"required,min=1,max=80"`
	Email string `json:"email" binding:"required,email"`
	Age   int    `json:"age" binding:"min=0,max=150"`
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

func metrics() gin.HandlerFunc {
	duration := promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds"},
		[]string{"method", "route", "status"})
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		duration.WithLabelValues(c.Request.Method, c.FullPath(), strconv.Itoa(c.Writer.Status())).
			Observe(time.Since(start).Seconds())
	}
}

func timeout(limit time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), limit)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

func authenticate(secret []byte) gin.HandlerFunc {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	return func(c *gin.Context) {
		token, found := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		claims := &jwt.RegisteredClaims{}
		if found {
			_, err := parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return secret, nil })
			found = err == nil
		}
		if !found {
			c.AbortWithStatusJSON(http.StatusUnauthorized, gin.H{"error": "unauthorized"})
			return
		}
		c.Set("user", claims.Subject)
		c.Next()
	}
}

func production(router *gin.Engine, logger *zap.Logger) {
	router.GET("/metrics", gin.WrapH(promhttp.Handler()))
	limit := limiter.New(memory.NewStore(), limiter.Rate{Period: time.Second, Limit: 10_000_000})
	router.Use(
		requestid.New(),
		ginzap.GinzapWithConfig(logger, &ginzap.Config{TimeFormat: time.RFC3339Nano, UTC: true,
			Context: func(c *gin.Context) []zapcore.Field {
				return []zapcore.Field{zap.String("request_id", requestid.Get(c))}
			}}),
		metrics(),
		gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }),
		timeout(5*time.Second),
		authenticate([]byte(os.Getenv("LAB_JWT_SECRET"))),
		limitergin.NewMiddleware(limit),
	)
	router.GET("/panic", func(*gin.Context) { panic("asked for") })
}

// echo sends each message back (gorilla/websocket).
func echo(w http.ResponseWriter, r *http.Request) {
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

func routes(router *gin.Engine, file string, many int) {
	router.GET("/json", func(c *gin.Context) { c.JSON(http.StatusOK, message{"Hello, World!"}) })
	router.GET("/users/:id", func(c *gin.Context) {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": "id is a number"})
			return
		}
		c.JSON(http.StatusOK, user{id, "Ada Lovelace", "ada@example.com"})
	})
	router.POST("/users", func(c *gin.Context) {
		var body newUser
		if err := c.ShouldBindJSON(&body); err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		c.JSON(http.StatusCreated, created{1, body.Name, body.Email, body.Age})
	})
	router.GET("/file", func(c *gin.Context) { c.File(file) })
	blob := strings.Repeat("w", 4096)
	router.GET("/4k", func(c *gin.Context) { c.String(http.StatusOK, blob) })
	router.GET("/ws", func(c *gin.Context) { echo(c.Writer, c.Request) })
	for i := 0; i < many; i++ {
		router.GET(fmt.Sprintf("/api/svc%d/res%d/:id/act%d", i/10000, i/100%100, i%100),
			func(c *gin.Context) { c.String(http.StatusOK, c.Param("id")) })
	}
}

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	chain := flag.String("chain", "none", "none or production")
	logFile := flag.String("log", os.DevNull, "file of the access log")
	file := flag.String("file", "", "file that /file sends")
	many := flag.Int("routes", 0, "further routes")
	flag.Parse()

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/runtime", gin.WrapF(goruntime.Handler)) // before Use(): outside the chain
	if *chain == "production" {
		logger, sink := fileLogger(*logFile)
		defer sink.Stop()
		production(router, logger)
	}
	routes(router, *file, *many)

	// HTTP/1.1, and HTTP/2 for connections that begin with its preface.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, Protocols: protocols}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go server.Serve(listener)
	<-stop.Done()
	server.Close()
}
