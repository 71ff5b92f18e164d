/** Whole models, and how text is made with them. */
package org.adjoint.model;
