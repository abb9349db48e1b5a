CREATE TABLE `customers` (`id` bigint unsigned NOT NULL AUTO_INCREMENT, `email` varchar(190) NOT NULL, `password_hash` char(60) NOT NULL,
  PRIMARY KEY (`id`), UNIQUE KEY `email` (`email`)) ENGINE=InnoDB COMMENT='Who buys';
CREATE TABLE `orders` (`id` bigint unsigned NOT NULL AUTO_INCREMENT, `customer_id` bigint unsigned NOT NULL,
  `status` enum('new','paid','shipped','cancelled') NOT NULL DEFAULT 'new',
  `changed_at` datetime DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP, `total` decimal(12,2) unsigned NOT NULL DEFAULT '0.00',
  `labels` set('new','eco') DEFAULT NULL, `gift` bit(1) NOT NULL DEFAULT b'0', `rating` tinyint unsigned NOT NULL DEFAULT '3',
  PRIMARY KEY (`id`), CONSTRAINT `r` CHECK ((`rating` in (1,2,3,4,5))),
  CONSTRAINT `o` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)) ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 4;
CREATE TABLE `order_items` (`order_id` bigint unsigned NOT NULL, `sku` varchar(20) NOT NULL COMMENT 'what is sold',
  `quantity` smallint unsigned NOT NULL DEFAULT '1', `unit_price` decimal(10,2) NOT NULL,
  `line_total` decimal(12,2) GENERATED ALWAYS AS ((`quantity` * `unit_price`)) STORED,
  PRIMARY KEY (`order_id`,`sku`), CONSTRAINT `i` FOREIGN KEY (`order_id`) REFERENCES `orders` (`id`) ON DELETE CASCADE) ENGINE=InnoDB;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `down` AFTER INSERT ON `order_items` FOR EACH ROW SET @x = 1 */;;
DELIMITER ;
