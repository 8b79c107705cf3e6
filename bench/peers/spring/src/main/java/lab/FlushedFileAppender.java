package lab;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

import ch.qos.logback.core.FileAppender;

/** A file behind a buffer that is flushed every second; Logback's own flushes after each line, or when it is full. */
public class FlushedFileAppender<E> extends FileAppender<E> {
    @Override
    public void start() {
        super.start();
        getContext().getScheduledExecutorService().scheduleAtFixedRate(() -> {
            try {
                getOutputStream().flush();
            } catch (IOException error) {
                addError("the log cannot be flushed", error);
            }
        }, 1, 1, TimeUnit.SECONDS);
    }
}
