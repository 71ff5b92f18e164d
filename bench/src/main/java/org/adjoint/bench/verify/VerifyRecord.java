package org.adjoint.bench.verify;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.adjoint.bench.Json;

/** What was verified so far, in a file that is written as it goes. */
final class VerifyRecord {
    private final Path file;
    private final Map<String, Object> content;

    private VerifyRecord(Path file, Map<String, Object> content) {
        this.file = file;
        this.content = content;
    }

    /**
     * The record in {@code file}, if it was made by the same program on the same card; else a new one, and the old one
     * stays beside it.
     *
     * @param machine card, driver, versions and commit
     * @param notice told where an old record went, and why
     */
    static VerifyRecord open(Path file, Map<String, Object> machine, boolean anew, Consumer<String> notice)
        throws IOException {
        if (!anew && Files.exists(file)) {
            Map<String, Object> old = read(file);
            if (machine.equals(old.get("machine"))) {
                return new VerifyRecord(file, old);
            }
            Path kept = unused(file);
            Files.move(file, kept);
            notice.accept(file + " is of another machine, driver or commit: it was renamed to " + kept);
        }
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        content.put("machine", machine);
        content.put("parts", new LinkedHashMap<String, Object>());
        return new VerifyRecord(file, content);
    }

    private static Map<String, Object> read(Path file) throws IOException {
        try {
            return Json.readObject(file);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + ": remove it, or start anew with --restart", e);
        }
    }

    /** The first of {@code verify-1.json}, {@code verify-2.json} and so on that does not exist. */
    private static Path unused(Path file) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
        int number = 1;
        Path path;
        do {
            path = file.resolveSibling(name.substring(0, dot) + "-" + number++ + name.substring(dot));
        } while (Files.exists(path));
        return path;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> child(Map<String, Object> parent, String key) {
        return (Map<String, Object>) parent.computeIfAbsent(key, _ -> new LinkedHashMap<String, Object>());
    }

    private Map<String, Object> items(Part part) {
        return child(child(child(content, "parts"), part.name()), "items");
    }

    /** The fields of an item that was recorded, or null. */
    @SuppressWarnings("unchecked")
    Map<String, Object> get(Part part, String key) {
        return (Map<String, Object>) items(part).get(key);
    }

    void put(Part part, String key, Map<String, Object> fields) throws IOException {
        items(part).put(key, fields);
        Json.write(file, content);
    }

    /** How a part stands: whether all its items are recorded, and passed. */
    void conclude(Part part, boolean complete, boolean passed) throws IOException {
        Map<String, Object> fields = child(child(content, "parts"), part.name());
        fields.put("complete", complete);
        fields.put("passed", passed);
        Json.write(file, content);
    }
}
