//! Sign-ins with providers that this browser has begun, between the redirect to the provider and the one back.

use std::time::Duration;

use models::{
    now_ms,
    session::{MAX_SIGN_INS, Session, SignIn, SignInPurpose},
};

use crate::{accounts::Begun, session::Visit};

/// How long somebody may take at the provider.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl Visit {
    /// Remembers a sign-in until it comes back; older ones give way.
    pub(crate) fn remember_sign_in(
        &mut self,
        provider: &str,
        begun: Begun,
        purpose: SignInPurpose,
    ) {
        let sign_in = SignIn {
            provider: provider.to_owned(),
            state: begun.state,
            nonce: begun.nonce,
            verifier: begun.verifier,
            purpose,
            begun: now_ms(),
        };
        remember(self.change(), sign_in);
    }

    /// The sign-in with this provider that `state` belongs to. It is forgotten: what comes back again finds none.
    pub(crate) fn take_sign_in(&mut self, provider: &str, state: &str) -> Option<SignIn> {
        let known = |sign_in: &SignIn| sign_in.provider == provider && sign_in.state.is(state);
        let place = self.session()?.sign_ins.iter().position(known)?;
        let sign_in = self.change().sign_ins.remove(place);
        is_awaited(&sign_in).then_some(sign_in)
    }
}

fn remember(session: &mut Session, sign_in: SignIn) {
    let sign_ins = &mut session.sign_ins;
    sign_ins.retain(is_awaited);
    if sign_ins.len() >= MAX_SIGN_INS {
        sign_ins.drain(..=sign_ins.len() - MAX_SIGN_INS);
    }
    sign_ins.push(sign_in);
}

fn is_awaited(sign_in: &SignIn) -> bool {
    u128::from(now_ms().saturating_sub(sign_in.begun)) < PATIENCE.as_millis()
}

#[cfg(test)]
mod tests {
    use models::Token;

    use super::*;

    fn sign_in(begun: u64) -> SignIn {
        SignIn {
            provider: "keycloak".to_owned(),
            state: Token::generate(),
            nonce: Token::generate(),
            verifier: Token::generate(),
            purpose: SignInPurpose::Link,
            begun,
        }
    }

    #[test]
    fn the_oldest_give_way() {
        let mut session = Session::anonymous();
        let all: Vec<_> = (0..=MAX_SIGN_INS).map(|_| sign_in(now_ms())).collect();
        for sign_in in &all {
            remember(&mut session, sign_in.clone());
        }
        assert_eq!(session.sign_ins, all[1..]);
    }

    #[test]
    fn those_nobody_waits_for_are_forgotten() {
        let mut session = Session::anonymous();
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        remember(&mut session, sign_in(now_ms() - patience));
        let newer = sign_in(now_ms());
        remember(&mut session, newer.clone());
        assert_eq!(session.sign_ins, [newer]);
    }
}
