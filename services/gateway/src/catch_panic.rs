use std::panic::AssertUnwindSafe;

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
};
use futures_util::FutureExt;

use crate::problem::Problem;

/// Middleware of a route: a handler that panics answers 500, and its connection and worker go on.
///
/// It wraps single routes, since the request can only be kept for the answer once it has found its route.
pub(crate) async fn catch_panic(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let kept = request.request().clone();
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(result) => result.map(ServiceResponse::map_into_boxed_body),
        // What it said is in the log already, by the panic hook.
        Err(_) => Ok(ServiceResponse::from_err(
            Problem::of(StatusCode::INTERNAL_SERVER_ERROR),
            kept,
        )),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, middleware::from_fn, test, web};

    use super::*;

    async fn panics() -> HttpResponse {
        panic!("on purpose")
    }

    #[actix_web::test]
    async fn a_panic_is_a_500_and_the_next_request_is_answered() {
        let app = test::init_service(
            App::new()
                .service(
                    web::resource("/panics")
                        .route(web::get().to(panics))
                        .wrap(from_fn(catch_panic)),
                )
                .service(
                    web::resource("/well")
                        .route(web::get().to(HttpResponse::Ok))
                        .wrap(from_fn(catch_panic)),
                ),
        )
        .await;
        for _ in 0..2 {
            let panics = test::TestRequest::get().uri("/panics").to_request();
            let answer = test::call_service(&app, panics).await;
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        let well = test::TestRequest::get().uri("/well").to_request();
        assert_eq!(
            test::call_service(&app, well).await.status(),
            StatusCode::OK
        );
    }
}
