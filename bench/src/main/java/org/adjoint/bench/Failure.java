package org.adjoint.bench;

import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** A failure in words for the user. */
final class Failure {

    private Failure() {}

    /** The message of an exception; those of the file system carry only a path, and get their verb here. */
    static String describe(Throwable failure) {
        String message = failure.getMessage();
        return switch (failure) {
            case NoSuchFileException missing -> "no such file or folder: " + missing.getFile();
            case AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case FileAlreadyExistsException exists -> "the file exists already: " + exists.getFile();
            case NotDirectoryException file -> "not a folder: " + file.getFile();
            case DirectoryNotEmptyException full -> "the folder is not empty: " + full.getFile();
            case UncheckedIOException wrapper -> describe(wrapper.getCause());
            default -> message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
        };
    }
}
