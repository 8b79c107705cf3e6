// The lab's service with Go's own net/http and log/slog, without a framework.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"
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

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

// buffered is a file behind a buffer that is flushed every second.
type buffered struct {
	mutex  sync.Mutex
	writer *bufio.Writer
}

func (b *buffered) Write(line []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.writer.Write(line)
}

func (b *buffered) flush() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.writer.Flush()
}

func openLog(path string) *buffered {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	sink := &buffered{writer: bufio.NewWriterSize(file, 256<<10)}
	go func() {
		for range time.Tick(time.Second) {
			sink.flush()
		}
	}()
	return sink
}

// statusWriter remembers the status for the log and the metrics.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

type limits struct {
	mutex    sync.Mutex
	visitors map[string]*rate.Limiter
}

func (l *limits) allow(remote string) bool {
	host, _, _ := net.SplitHostPort(remote)
	l.mutex.Lock()
	limiter, found := l.visitors[host]
	if !found {
		limiter = rate.NewLimiter(10_000_000, 10_000_000)
		l.visitors[host] = limiter
	}
	l.mutex.Unlock()
	return limiter.Allow()
}

func production(next http.Handler, sink *buffered) http.Handler {
	logger := slog.New(slog.NewJSONHandler(sink, nil))
	duration := promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds"},
		[]string{"method", "route", "status"})
	secret := []byte(os.Getenv("LAB_JWT_SECRET"))
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	visitors := &limits{visitors: map[string]*rate.Limiter{}}
	authorized := func(r *http.Request) bool {
		token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found {
			return false
		}
		_, err := parser.ParseWithClaims(token, &jwt.RegisteredClaims{}, func(*jwt.Token) (any, error) { return secret, nil })
		return err == nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := r.Header.Get("X-Request-Id")
		if id == "" {
			var random [16]byte
			rand.Read(random[:])
			id = hex.EncodeToString(random[:])
		}
		w.Header().Set("X-Request-Id", id)
		out := &statusWriter{w, http.StatusOK}
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		r = r.WithContext(ctx)
		defer func() {
			if recover() != nil {
				out.WriteHeader(http.StatusInternalServerError)
			}
			elapsed := time.Since(start)
			duration.WithLabelValues(r.Method, r.Pattern, strconv.Itoa(out.status)).Observe(elapsed.Seconds())
			logger.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.String("route", r.Pattern), slog.Int("status", out.status), slog.Duration("latency", elapsed),
				slog.String("request_id", id), slog.String("ip", r.RemoteAddr), slog.String("user_agent", r.UserAgent()))
		}()
		switch {
		case !authorized(r):
			reply(out, http.StatusUnauthorized, message{"unauthorized"})
		case !visitors.allow(r.RemoteAddr):
			reply(out, http.StatusTooManyRequests, message{"too many requests"})
		default:
			next.ServeHTTP(out, r)
		}
	})
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

func routes(mux *http.ServeMux, file string, many int) {
	validate := validator.New()
	mux.HandleFunc("GET /json", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, message{"Hello, World!"})
	})
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			reply(w, http.StatusBadRequest, message{"id is a number"})
			return
		}
		reply(w, http.StatusOK, user{id, "Ada Lovelace", "ada@example.com"})
	})
	mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
		var body newUser
		err := json.NewDecoder(r.Body).Decode(&body)
		if err == nil {
			err = validate.Struct(&body)
		}
		if err != nil {
			reply(w, http.StatusBadRequest, message{err.Error()})
			return
		}
		reply(w, http.StatusCreated, created{1, body.Name, body.Email, body.Age})
	})
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	blob := []byte(strings.Repeat("w", 4096))
	mux.HandleFunc("GET /4k", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		w.Write(blob)
	})
	mux.HandleFunc("GET /ws", echo)
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("asked for") })
	for i := 0; i < many; i++ {
		mux.HandleFunc(fmt.Sprintf("GET /api/svc%d/res%d/{id}/act%d", i/10000, i/100%100, i%100),
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.PathValue("id")) })
	}
}

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	chain := flag.String("chain", "none", "none or production")
	logFile := flag.String("log", os.DevNull, "file of the access log")
	file := flag.String("file", "", "file that /file sends")
	many := flag.Int("routes", 0, "further routes")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /runtime", goruntime.Handler)
	routes(mux, *file, *many)
	// HTTP/1.1, and HTTP/2 for connections that begin with its preface.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, Protocols: protocols}
	if *chain == "production" {
		sink := openLog(*logFile)
		defer sink.flush()
		outer := http.NewServeMux()
		outer.Handle("GET /metrics", promhttp.Handler())
		outer.HandleFunc("GET /runtime", goruntime.Handler)
		outer.Handle("/", production(mux, sink))
		server.Handler = outer
	}
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
