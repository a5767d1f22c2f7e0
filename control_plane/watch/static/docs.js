if ("SwaggerUIBundle" in window) {
  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#documentation",
    deepLinking: true,
    persistAuthorization: true,
    validatorUrl: null, // the default one sends the schema to another host
  });
} else {
  document.getElementById("documentation").textContent =
    "swagger-ui-dist is not installed: run “npm ci” in the folder control_plane/watch. The schema is at /openapi.json.";
}
