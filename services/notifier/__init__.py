"""The notifier: contacts the customer by SMS, phone, e-mail, WeChat and letter, and reports what came of it."""
