package lab;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;

import com.sun.management.GarbageCollectionNotificationInfo;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.reactive.socket.WebSocketHandler;
import org.springframework.web.reactive.socket.WebSocketMessage;

/** The WebSocket echo, the further routes, and what the collector did. */
@Configuration
class More {
    private volatile long longest;

    @Bean
    HandlerMapping sockets() {
        WebSocketHandler echo = session -> session.send(session.receive().map(message -> {
            message.retain();
            return new WebSocketMessage(message.getType(), message.getPayload());
        }));
        return new SimpleUrlHandlerMapping(Map.of("/ws", echo), -1);
    }

    @Bean
    RouterFunction<ServerResponse> routes(@Value("${lab.routes}") int many) {
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            ((NotificationEmitter) collector).addNotificationListener((notification, unused) -> {
                var info = GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData());
                longest = Math.max(longest, info.getGcInfo().getDuration());
            }, null, null);
        }
        var builder = RouterFunctions.route().GET("/runtime", request -> ServerResponse.ok().bodyValue(collector()));
        for (int i = 0; i < many; i++) {
            builder.GET("/api/svc" + i / 10000 + "/res" + i / 100 % 100 + "/{id}/act" + i % 100,
                request -> ServerResponse.ok().bodyValue(request.pathVariable("id")));
        }
        return builder.build();
    }

    private Map<String, Object> collector() {
        long pauses = 0;
        long total = 0;
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            pauses += collector.getCollectionCount();
            total += collector.getCollectionTime();
        }
        return Map.of("gc_pauses", pauses, "gc_pause_total_ms", total, "gc_pause_max_ms", longest);
    }
}
